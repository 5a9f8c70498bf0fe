"""Claimed work: the stages of a task, and the tidying behind them."""
