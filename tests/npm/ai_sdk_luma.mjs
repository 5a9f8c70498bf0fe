// Makes pictures with the AI SDK's provider for Luma against the service that the environment names, and prints what it
// saw as JSON.
import { createLuma } from "@ai-sdk/luma";
import { generateImage } from "ai";

const [baseURL, files] = process.argv.slice(2);
const luma = createLuma({ baseURL, apiKey: process.env.LUMA_API_KEY });
const stranger = createLuma({ baseURL, apiKey: "wrong" });
const model = luma.image("photon-1");

// Makes pictures and returns each as base64, with what the SDK warns of.
async function made(options) {
  const { images, warnings } = await generateImage({ model, ...options });
  return { images: images.map((image) => image.base64), types: images.map((image) => image.mediaType), warnings };
}

async function refusal(options) {
  try {
    await generateImage({ model, ...options });
  } catch (error) {
    const { name, message, statusCode, responseBody, data } = error;
    return { name, message, statusCode, responseBody, data };
  }
  throw new Error("nothing was refused");
}

const like = (referenceType, ...names) => ({
  prompt: { text: "a cat", images: names.map((name) => `${files}/${name}`) },
  providerOptions: { luma: { referenceType } },
});
globalThis.AI_SDK_LOG_WARNINGS = false;
const works = {
  plain: { prompt: "[delay=1] a cat" },
  tall: { prompt: "a cat", aspectRatio: "9:16" },
  two: { prompt: "a cat", n: 2 },
  unused: { prompt: "a cat", size: "1024x1024", seed: 7 },
  image: like("image", "a.jpg", "b.jpg"),
  style: like("style", "a.jpg"),
  character: like("character", "a.jpg"),
  modify_image: like("modify_image", "a.jpg"),
};
const refused = {
  short: { prompt: "ab" },
  failed: { prompt: "[fail=moderated: Not this.]" },
  stranger: { model: stranger.image("photon-1"), prompt: "a cat" },
};

// The studio cannot be guided by pictures. Its refusal shows that they arrived.
const kinds = ["image", "style", "character", "modify_image"];
for (const kind of kinds) refused[kind] = { model: luma.image("studio"), ...like(kind, "a.jpg") };

const saw = { made: {}, refused: {} };
for (const [name, options] of Object.entries(works)) saw.made[name] = await made(options);
for (const [name, options] of Object.entries(refused)) saw.refused[name] = await refusal(options);
console.log(JSON.stringify(saw));
