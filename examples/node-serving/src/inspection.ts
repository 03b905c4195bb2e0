/**
 * What a graph's file says before any runtime opens it: foreign operators, and data that lies in other files.
 *
 * Reads the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding) with the field numbers of
 * onnx.proto3. Large attributes of trees are not walked: only what can hold a domain or a tensor is.
 */
import { Refused } from './errors.js';

const DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'ai.onnx.ml']);
const DEEPEST = 16;
const MODEL = { graph: 7, opset: 8, functions: 25 };
const GRAPH = { node: 1, initializer: 5, sparse: 15 };
const NODE = { attribute: 5, domain: 7 };
const ATTRIBUTE = { tensor: 5, graph: 6, tensors: 10, graphs: 11 };
const TENSOR = { external: 13, location: 14 };

/** Refused unless the graph is whole in itself and uses ONNX's own operators only. */
export function checkGraph(model: Buffer): void {
  let graphs = 0;
  for (const [number, value] of fields(model)) {
    if (number === MODEL.graph) {
      graphs += 1;
      graph(value, 0);
    } else if (number === MODEL.opset) {
      for (const [place, domain] of fields(value)) if (place === 1) checkDomain(domain);
    } else if (number === MODEL.functions) {
      throw new Refused('model.onnx brings functions of its own');
    }
  }
  if (graphs !== 1) throw new Refused('model.onnx is no ONNX file: it holds no graph');
}

function graph(data: Buffer, depth: number): void {
  if (depth > DEEPEST) throw new Refused('model.onnx is no ONNX file: graphs are nested too deeply');
  for (const [number, value] of fields(data)) {
    if (number === GRAPH.node) node(value, depth);
    else if (number === GRAPH.initializer) tensor(value);
    else if (number === GRAPH.sparse) for (const [, part] of fields(value)) tensor(part);
  }
}

function node(data: Buffer, depth: number): void {
  for (const [number, value] of fields(data)) {
    if (number === NODE.domain) checkDomain(value);
    if (number !== NODE.attribute) continue;
    for (const [place, part] of fields(value)) {
      if (place === ATTRIBUTE.tensor || place === ATTRIBUTE.tensors) tensor(part);
      else if (place === ATTRIBUTE.graph || place === ATTRIBUTE.graphs) graph(part, depth + 1);
    }
  }
}

function tensor(data: Buffer): void {
  for (const [number, value] of fields(data)) {
    if (number === TENSOR.external || (number === TENSOR.location && value[0] !== 0)) {
      throw new Refused('model.onnx refers to data in other files; a release holds graphs that are whole in one file');
    }
  }
}

function checkDomain(value: Buffer): void {
  const domain = value.toString('utf8');
  if (!DOMAINS.has(domain)) throw new Refused(`model.onnx uses operators of '${domain}'; only ONNX's own are run`);
}

/** Number and content of each field; a varint's content is its bytes. */
function* fields(data: Buffer): Generator<[number, Buffer]> {
  let position = 0;
  while (position < data.length) {
    const [tag, after] = varint(data, position);
    let start = after;
    switch (tag % 8) {
      case 0:
        [, position] = varint(data, start);
        break;
      case 1:
        position = start + 8;
        break;
      case 2: {
        const [length, begin] = varint(data, start);
        start = begin;
        position = begin + length;
        break;
      }
      case 5:
        position = start + 4;
        break;
      default:
        throw broken(`unknown wire type ${tag % 8}`);
    }
    if (position > data.length) throw broken('it ends too early');
    yield [Math.floor(tag / 8), data.subarray(start, position)];
  }
}

/** A number and the position behind it. Beyond 2 ** 53 it is not exact, and no length or tag is that large. */
function varint(data: Buffer, start: number): [number, number] {
  let value = 0;
  for (let index = 0; index < 10; index += 1) {
    const byte = data[start + index];
    if (byte === undefined) throw broken('it ends too early');
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return [value, start + index + 1];
  }
  throw broken('a number is too long');
}

const broken = (why: string): Refused => new Refused(`model.onnx is no ONNX file: ${why}`);
