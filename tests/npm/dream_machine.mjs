// Walks through Luma's npm library against the service that the environment names, and prints what it saw as JSON.
import { LumaAI } from "lumaai";

const files = process.argv[2];
const short = { duration: "1s", resolution: "540p" };
const luma = new LumaAI();
const { generations } = luma;

async function end(generation) {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const seen = await generations.get(generation.id);
    if (seen.state === "completed" || seen.state === "failed") return seen;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${generation.id} has not ended`);
}

async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return { name: error.constructor.name, status: error.status, body: error.error };
  }
  throw new Error("nothing was refused");
}

const image = (url) => ({ type: "image", url });
const earlier = (generation) => ({ type: "generation", id: generation.id });

const queued = await generations.create({ model: "ray-2", prompt: "[delay=0.2] a cat", ...short });
const first = await end(queued);
const second = await end(
  await generations.video.create({ model: "ray-2", ...short, keyframes: { frame0: image(`${files}/a.jpg`) } }),
);
const made = {};
for (const [name, keyframes] of Object.entries({
  extend: { frame0: earlier(first) },
  reverse_extend: { frame1: earlier(first) },
  interpolate: { frame0: earlier(first), frame1: earlier(second) },
})) {
  made[name] = await end(await generations.create({ model: "ray-2", prompt: "more", ...short, keyframes }));
}
made.upscale = await end(await generations.upscale(first.id, { resolution: "720p" }));
made.add_audio = await end(await generations.audio(first.id, { prompt: "rain" }));
const media = { url: `${files}/v.mp4` };
made.modify = await end(
  await generations.video.modify({ generation_type: "modify_video", media, mode: "adhere_1", model: "ray-2" }),
);
made.reframe = await end(
  await generations.video.reframe({ generation_type: "reframe_video", media, aspect_ratio: "1:1", model: "ray-2" }),
);
const picture = await generations.image.create({ model: "photon-1", prompt: "a cat", sync: true });
const reframed = await end(
  await generations.image.reframe({
    generation_type: "reframe_image",
    media: { url: picture.assets.image },
    aspect_ratio: "1:1",
    model: "photon-1",
  }),
);
const failed = await end(await generations.create({ model: "ray-2", prompt: "[fail=moderated: No.]" }));
const list = await generations.list({ limit: 2, offset: 1 });
const concepts = await generations.concepts.list();
const credits = await luma.credits.get();
const pong = await luma.ping.check();
await generations.delete(failed.id);

const refusals = {
  bad: await refusal(generations.create({ model: "ray-2", prompt: "ab" })),
  gone: await refusal(generations.get(failed.id)),
  stranger: await refusal(new LumaAI({ authToken: "wrong" }).generations.list()),
};

console.log(
  JSON.stringify({ queued, first, second, made, picture, reframed, failed, list, concepts, credits, pong, refusals }),
);
