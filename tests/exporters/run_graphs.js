// Runs the graphs that a JSON file names in onnxruntime-node, one thread; prints their outputs as JSON, numbers as base64.
const { readFileSync } = require("node:fs");
const ort = require("onnxruntime-node");

const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array };

function tensor({ type, dims, data }) {
  if (type === "string") return new ort.Tensor("string", data, dims);
  const bytes = new Uint8Array(Buffer.from(data, "base64")).buffer;
  return new ort.Tensor(type, new ARRAYS[type](bytes), dims);
}

async function run({ model, feeds }) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, tensor(value)]));
  const outputs = await session.run(inputs);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data, dims, type }]) => [
      name,
      { type, dims, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") },
    ]),
  );
}

(async () => {
  const answers = [];
  for (const job of JSON.parse(readFileSync(process.argv[2]))) answers.push(await run(job));
  console.log(JSON.stringify(answers));
})();
