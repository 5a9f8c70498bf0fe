"""The colours of times of day, weathers and moods."""

from __future__ import annotations

from filmgate.adapters.engines.studio.model.scene import Colour, Palette

PALETTES: dict[str, Palette] = {
    "day": Palette(
        zenith=(0.07, 0.23, 0.58),
        sky=(0.24, 0.48, 0.80),
        horizon=(0.70, 0.82, 0.92),
        light=(1.00, 0.94, 0.80),
        accent=(0.05, 0.42, 0.46),
        ground=(0.06, 0.15, 0.09),
    ),
    "sunset": Palette(
        zenith=(0.08, 0.09, 0.30),
        sky=(0.42, 0.18, 0.36),
        horizon=(1.00, 0.42, 0.14),
        light=(1.00, 0.56, 0.22),
        accent=(0.55, 0.20, 0.30),
        ground=(0.06, 0.05, 0.09),
    ),
    "dawn": Palette(
        zenith=(0.14, 0.22, 0.48),
        sky=(0.52, 0.44, 0.60),
        horizon=(1.00, 0.70, 0.54),
        light=(1.00, 0.80, 0.60),
        accent=(0.28, 0.40, 0.58),
        ground=(0.07, 0.09, 0.12),
    ),
    "night": Palette(
        zenith=(0.005, 0.010, 0.040),
        sky=(0.016, 0.034, 0.100),
        horizon=(0.060, 0.100, 0.210),
        light=(0.78, 0.86, 1.00),
        accent=(0.05, 0.24, 0.34),
        ground=(0.012, 0.020, 0.036),
    ),
    "storm": Palette(
        zenith=(0.06, 0.08, 0.11),
        sky=(0.13, 0.16, 0.20),
        horizon=(0.34, 0.38, 0.42),
        light=(0.58, 0.63, 0.68),
        accent=(0.07, 0.22, 0.24),
        ground=(0.03, 0.05, 0.05),
    ),
    "stormset": Palette(
        zenith=(0.07, 0.06, 0.11),
        sky=(0.20, 0.13, 0.18),
        horizon=(0.62, 0.32, 0.20),
        light=(0.85, 0.55, 0.36),
        accent=(0.10, 0.17, 0.20),
        ground=(0.04, 0.04, 0.06),
    ),
    "winterdawn": Palette(
        zenith=(0.09, 0.18, 0.40),
        sky=(0.28, 0.38, 0.58),
        horizon=(0.98, 0.66, 0.48),
        light=(1.00, 0.72, 0.46),
        accent=(0.22, 0.38, 0.55),
        ground=(0.04, 0.06, 0.09),
    ),
    "winterday": Palette(
        zenith=(0.06, 0.18, 0.46),
        sky=(0.20, 0.40, 0.68),
        horizon=(0.58, 0.70, 0.82),
        light=(1.00, 0.88, 0.70),
        accent=(0.20, 0.42, 0.55),
        ground=(0.04, 0.06, 0.08),
    ),
    "polar": Palette(
        zenith=(0.004, 0.010, 0.030),
        sky=(0.010, 0.030, 0.070),
        horizon=(0.030, 0.090, 0.130),
        light=(0.70, 0.90, 1.00),
        accent=(0.10, 0.85, 0.45),
        ground=(0.008, 0.014, 0.022),
    ),
    "reef": Palette(
        zenith=(0.004, 0.045, 0.120),
        sky=(0.010, 0.190, 0.330),
        horizon=(0.090, 0.520, 0.600),
        light=(0.80, 1.00, 0.95),
        accent=(0.85, 0.26, 0.22),
        ground=(0.30, 0.27, 0.18),
    ),
    "desertset": Palette(
        zenith=(0.05, 0.08, 0.26),
        sky=(0.26, 0.17, 0.34),
        horizon=(1.00, 0.46, 0.18),
        light=(1.00, 0.62, 0.30),
        accent=(0.66, 0.30, 0.14),
        ground=(0.10, 0.06, 0.06),
    ),
    "townlight": Palette(
        zenith=(0.006, 0.010, 0.036),
        sky=(0.022, 0.034, 0.090),
        horizon=(0.150, 0.110, 0.130),
        light=(1.00, 0.80, 0.52),
        accent=(0.06, 0.50, 0.78),
        ground=(0.014, 0.018, 0.030),
    ),
    "neonrain": Palette(
        zenith=(0.010, 0.012, 0.040),
        sky=(0.030, 0.030, 0.085),
        horizon=(0.260, 0.070, 0.260),
        light=(1.00, 0.42, 0.74),
        accent=(0.03, 0.62, 0.90),
        ground=(0.020, 0.020, 0.032),
    ),
    "winter": Palette(
        zenith=(0.20, 0.32, 0.50),
        sky=(0.36, 0.47, 0.62),
        horizon=(0.52, 0.60, 0.71),
        light=(1.00, 0.93, 0.84),
        accent=(0.20, 0.40, 0.54),
        ground=(0.035, 0.055, 0.075),
    ),
    "overcast": Palette(
        zenith=(0.30, 0.36, 0.44),
        sky=(0.42, 0.48, 0.55),
        horizon=(0.62, 0.67, 0.71),
        light=(0.80, 0.80, 0.78),
        accent=(0.08, 0.34, 0.38),
        ground=(0.05, 0.11, 0.07),
    ),
    "desert": Palette(
        zenith=(0.14, 0.32, 0.60),
        sky=(0.52, 0.56, 0.62),
        horizon=(1.00, 0.78, 0.52),
        light=(1.00, 0.86, 0.58),
        accent=(0.72, 0.42, 0.18),
        ground=(0.26, 0.14, 0.06),
    ),
    "neon": Palette(
        zenith=(0.012, 0.008, 0.050),
        sky=(0.10, 0.02, 0.24),
        horizon=(0.62, 0.06, 0.48),
        light=(1.00, 0.30, 0.72),
        accent=(0.03, 0.72, 0.95),
        ground=(0.025, 0.018, 0.060),
    ),
    "ember": Palette(
        zenith=(0.03, 0.015, 0.02),
        sky=(0.13, 0.02, 0.02),
        horizon=(0.52, 0.07, 0.02),
        light=(1.00, 0.56, 0.14),
        accent=(0.95, 0.22, 0.04),
        ground=(0.04, 0.02, 0.02),
    ),
    "cosmos": Palette(
        zenith=(0.010, 0.014, 0.050),
        sky=(0.07, 0.10, 0.40),
        horizon=(0.78, 0.52, 0.40),
        light=(1.00, 0.76, 0.50),
        accent=(0.34, 0.12, 0.72),
        ground=(0.14, 0.20, 0.10),
    ),
    "nebula": Palette(
        zenith=(0.008, 0.020, 0.040),
        sky=(0.03, 0.26, 0.36),
        horizon=(0.92, 0.40, 0.30),
        light=(1.00, 0.82, 0.62),
        accent=(0.80, 0.16, 0.26),
        ground=(0.26, 0.13, 0.07),
    ),
    "silk": Palette(
        zenith=(0.03, 0.06, 0.16),
        sky=(0.08, 0.28, 0.42),
        horizon=(0.84, 0.50, 0.24),
        light=(0.98, 0.86, 0.68),
        accent=(0.10, 0.55, 0.52),
        ground=(0.04, 0.05, 0.09),
    ),
}

COLOURS: dict[str, Colour] = {
    "red": (0.80, 0.06, 0.06),
    "orange": (0.95, 0.36, 0.05),
    "gold": (0.95, 0.62, 0.14),
    "yellow": (0.95, 0.78, 0.12),
    "green": (0.08, 0.58, 0.18),
    "teal": (0.03, 0.52, 0.50),
    "cyan": (0.05, 0.70, 0.90),
    "blue": (0.06, 0.22, 0.85),
    "purple": (0.40, 0.10, 0.78),
    "pink": (0.95, 0.28, 0.56),
    "white": (0.92, 0.93, 0.95),
    "black": (0.02, 0.02, 0.025),
    "brown": (0.34, 0.18, 0.08),
    "silver": (0.55, 0.58, 0.62),
}


LEAVES: dict[str, Colour] = {
    "summer": (0.070, 0.130, 0.028),
    "spring": (0.130, 0.210, 0.045),
    "autumn": (0.340, 0.130, 0.025),
    "winter": (0.110, 0.105, 0.075),
}
"""What grows on the ground, by season."""


def tint(palette: Palette, colour: Colour, amount: float = 1.0) -> Palette:
    """Move a palette towards a colour: its accent wholly, its sky a little, brightness kept where it was."""
    return Palette(
        zenith=_towards(palette.zenith, colour, 0.30 * amount),
        sky=_towards(palette.sky, colour, 0.55 * amount),
        horizon=_towards(palette.horizon, colour, 0.45 * amount),
        light=_towards(palette.light, colour, 0.12 * amount),
        accent=_mix(palette.accent, colour, amount),
        ground=_towards(palette.ground, colour, 0.20 * amount),
    )


def scale(palette: Palette, factors: Colour) -> Palette:
    """Multiply every colour channel by channel: the small difference between one take and the next."""
    red, green, blue = factors

    def scale(colour: Colour) -> Colour:
        return round(colour[0] * red, 4), round(colour[1] * green, 4), round(colour[2] * blue, 4)

    return Palette(
        zenith=scale(palette.zenith),
        sky=scale(palette.sky),
        horizon=scale(palette.horizon),
        light=scale(palette.light),
        accent=scale(palette.accent),
        ground=scale(palette.ground),
    )


def _towards(base: Colour, colour: Colour, amount: float) -> Colour:
    """Mix in the colour at the brightness of the base."""
    gain = max(base) / max(colour)
    return _mix(base, (colour[0] * gain, colour[1] * gain, colour[2] * gain), amount)


def _mix(a: Colour, b: Colour, amount: float) -> Colour:
    return (
        round(a[0] + (b[0] - a[0]) * amount, 4),
        round(a[1] + (b[1] - a[1]) * amount, 4),
        round(a[2] + (b[2] - a[2]) * amount, 4),
    )
