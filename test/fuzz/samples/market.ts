/** Samples of what an RPC endpoint answers: results of views, logs, whole answers. Each value is made from the ABI. */
import { Interface, type InterfaceAbi, type ParamType, type Result } from 'ethers';
import { type FedaiError, fromHex, type Hex, parseJson, toHex, utf8 } from '../../../core/index.ts';
import { contractAbis, trainingCourtAbi } from '../../../market/abi.ts';
import { checkAnswer } from '../../../market/answers.ts';
import { decodeOutput } from '../../../market/contract.ts';
import * as decode from '../../../market/decode.ts';
import * as decodeCourt from '../../../market/decodeCourt.ts';
import { decodeEvent, type RawLog } from '../../../market/events.ts';
import { httpTransport } from '../../../market/index.ts';
import type { Subject, Table } from '../subject.ts';

const [jobManager, , registry] = contractAbis.map((abi) => new Interface(abi as InterfaceAbi)) as [
  Interface,
  Interface,
  Interface,
];
const court = new Interface(trainingCourtAbi as InterfaceAbi);
const CID = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';

/** A value of any ABI type; enums are small integers, and bytes are text as content ids are. */
function sampleOf(type: ParamType): unknown {
  if (type.isArray()) return [sampleOf(type.arrayChildren), sampleOf(type.arrayChildren)];
  if (type.isTuple()) return type.components.map(sampleOf);
  if (type.baseType === 'address') return `0x${'11'.repeat(20)}`;
  if (type.baseType === 'bool') return true;
  if (type.baseType === 'bytes') return toHex(utf8(CID));
  if (type.baseType.startsWith('bytes')) return `0x${'22'.repeat(Number(type.baseType.slice(5)))}`;
  return 1n;
}

function view(
  codec: Interface,
  method: string,
  read: (result: Result) => unknown,
  name: string,
  file = 'decode',
): Subject {
  const outputs = codec.getFunction(method)!.outputs.map(sampleOf);
  return {
    covers: [`market/${file}.ts#${name}`, 'market/contract.ts#decodeOutput'],
    format: 'bytes',
    samples: [fromHex(codec.encodeFunctionResult(method, outputs) as Hex)],
    decode: (bytes) => read(decodeOutput(codec, method, toHex(bytes))),
    share: 0.3,
  };
}

const courtView = (method: string, read: (result: Result) => unknown): Subject =>
  view(court, method, read, read.name, 'decodeCourt');

const logs: RawLog[] = jobManager.fragments.flatMap((fragment) => {
  const event = fragment.type === 'event' ? jobManager.getEvent(fragment.format('sighash')) : null;
  if (event === null || event.inputs[0]?.name !== 'jobId') return [];
  const { topics, data } = jobManager.encodeEventLog(event, event.inputs.map(sampleOf));
  const place = {
    address: `0x${'11'.repeat(20)}`,
    blockNumber: '0x5',
    transactionHash: `0x${'22'.repeat(32)}`,
  };
  return [{ ...place, topics, data } as RawLog];
});
const json = (value: unknown) => utf8(JSON.stringify(value));

/** The data of a log, damaged as bytes, under the topics of its event. */
const eventData: Table = Object.fromEntries(
  logs.map((log): [string, Subject] => [
    `event ${jobManager.parseLog({ ...log, topics: [...log.topics] })!.name}`,
    {
      covers: [],
      format: 'bytes',
      samples: [fromHex(log.data)],
      decode: (bytes) => decodeEvent(jobManager, { ...log, data: toHex(bytes) }),
      share: 0.05,
    },
  ]),
);

/** What each method answers when all is well. */
const answers: Readonly<Record<string, unknown>> = {
  eth_blockNumber: '0x10',
  eth_getTransactionCount: '0x0',
  eth_call: '0x0102',
  eth_getLogs: logs.slice(0, 2),
  eth_getTransactionReceipt: {
    ...{ status: '0x1', blockNumber: '0x5', gasUsed: '0x5208', transactionHash: `0x${'22'.repeat(32)}` },
    logs: logs.slice(0, 1),
  },
  eth_getBlockByNumber: { baseFeePerGas: '0x7' },
};

/** Asks an endpoint that answers `bytes`, in one of the methods. */
async function askWith(bytes: Uint8Array): Promise<unknown> {
  const methods = Object.keys(answers);
  const method = methods[bytes.length % methods.length]!;
  const fetch = async () => new Response(Uint8Array.from(bytes));
  const transport = httpTransport('http://127.0.0.1:1', { fetch });
  // What is well-formed but of another method counts as refused.
  return (await transport.request(method, [])) ?? null;
}

const isRefused = (error: unknown): boolean =>
  ['RPC_UNAVAILABLE', 'RPC_ERROR'].includes((error as FedaiError).code);

export const market: Table = {
  decodePosted: view(jobManager, 'job', (result) => decode.decodeJob(1n, result), 'decodeJob'),
  decodeReceipt: view(jobManager, 'jobReceipt', decode.decodeReceipt, 'decodeReceipt'),
  decodeEvaluation: view(jobManager, 'evaluationOf', decode.decodeEvaluation, 'decodeEvaluation'),
  decodeTraceRecord: view(jobManager, 'traceOf', decode.decodeTraceRecord, 'decodeTraceRecord'),
  decodeRound: view(jobManager, 'roundOf', decode.decodeRound, 'decodeRound'),
  decodeAddresses: view(jobManager, 'workersOf', decode.decodeAddresses, 'decodeAddresses'),
  decodeParameters: view(jobManager, 'parameters', decode.decodeParameters, 'decodeParameters'),
  decodeRegistration: view(registry, 'nodeOf', decode.decodeRegistration, 'decodeRegistration'),
  decodeAudit: courtView('auditOf', decodeCourt.decodeAudit),
  decodeSelection: courtView('selectionOf', decodeCourt.decodeSelection),
  decodeCase: courtView('caseOf', decodeCourt.decodeCase),
  decodeOpenCases: courtView('openCases', decodeCourt.decodeOpenCases),
  decodeCourtParameters: courtView('parameters', decodeCourt.decodeCourtParameters),
  decodeEvent: {
    covers: [
      'market/events.ts#decodeEvent',
      'market/decode.ts#decodeScore',
      'market/decode.ts#decodePayouts',
    ],
    format: 'json',
    samples: logs.map(json),
    decode: (bytes) =>
      decodeEvent(jobManager, (checkAnswer('eth_getLogs', [parseJson(bytes, 1 << 20)]) as [RawLog])[0]),
  },
  ...eventData,
  httpTransport: {
    covers: [],
    format: 'json',
    samples: Object.values(answers).map((result) => json({ jsonrpc: '2.0', id: 1, result })),
    decode: (bytes) =>
      askWith(bytes).catch((error) => (isRefused(error) ? 'refused' : Promise.reject(error))),
    share: 0.3,
  },
  checkAnswer: {
    covers: [],
    format: 'json',
    samples: Object.entries(answers).map(json),
    decode(bytes) {
      const parsed = parseJson(bytes, 1 << 20);
      const [method, result] = Array.isArray(parsed) ? parsed : [];
      return checkAnswer(typeof method === 'string' ? method : '', result) ?? null;
    },
  },
};
