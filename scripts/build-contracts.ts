/**
 * Compiles contracts/ with the npm solc and writes contracts/generated/: per contract a typed ABI, its bytecode and where
 * libraries are linked into it. Does nothing when no source has changed. Owns no deployment (see contracts/deploy.ts).
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compilerSettings } from '../contracts/compiler.ts';
import { FedaiError } from '../core/index.ts';
import { type StorageLayout, storageText } from './storageLayout.ts';

interface Artifact {
  abi: unknown[];
  storageLayout: StorageLayout;
  evm: {
    bytecode: { object: string; linkReferences: LinkReferences };
    deployedBytecode: { object: string };
  };
}
type LinkReferences = Record<string, Record<string, { start: number; length: number }[]>>;
interface CompilerOutput {
  errors?: { severity: string; formattedMessage: string }[];
  contracts: Record<string, Record<string, Artifact>>;
}
interface Compiler {
  version(): string;
  compile(
    input: string,
    callbacks: { import(path: string): { contents: string } | { error: string } },
  ): string;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outFolder = join(root, 'contracts/generated');
const hashFile = join(outFolder, 'sources.sha256');
const require = createRequire(import.meta.url);

/** Contract name to the source that defines it. */
const targets: Record<string, string> = {
  BeaconHistory: 'contracts/BeaconHistory.sol',
  FedaiGovernor: 'contracts/FedaiGovernor.sol',
  JobEvaluation: 'contracts/libraries/JobEvaluation.sol',
  JobManager: 'contracts/JobManager.sol',
  JobSettlement: 'contracts/libraries/JobSettlement.sol',
  JobTraces: 'contracts/libraries/JobTraces.sol',
  JobTraining: 'contracts/libraries/JobTraining.sol',
  Staking: 'contracts/Staking.sol',
  TimelockController: '@openzeppelin/contracts/governance/TimelockController.sol',
  TrainingCourt: 'contracts/TrainingCourt.sol',
  UsefulWork: 'contracts/UsefulWork.sol',
  WorkerRegistry: 'contracts/WorkerRegistry.sol',
};

function sourceFiles(folder = join(root, 'contracts')): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.sol'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Changes when a source, the compiler, its settings, OpenZeppelin or this script change. */
function sourcesHash(): string {
  const hash = createHash('sha256');
  const packages = ['solc', '@openzeppelin/contracts'].map((name) => require.resolve(`${name}/package.json`));
  const tools = ['scripts/build-contracts.ts', 'scripts/storageLayout.ts', 'contracts/compiler.ts'].map(
    (path) => join(root, path),
  );
  for (const path of [...sourceFiles(), ...packages, ...tools]) {
    hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

function readImport(path: string): { contents: string } | { error: string } {
  const file = join(root, path.startsWith('@') ? 'node_modules' : '', path);
  return existsSync(file) ? { contents: readFileSync(file, 'utf8') } : { error: `no such file: ${path}` };
}

function compile(): CompilerOutput['contracts'] {
  const solc: Compiler = require('solc');
  const sources: Record<string, { content: string }> = {};
  for (const path of new Set(Object.values(targets))) {
    const found = readImport(path);
    if ('error' in found) throw new FedaiError('BAD_CONTRACT', found.error);
    sources[path] = { content: found.contents };
  }
  const wanted = ['abi', 'evm.bytecode', 'evm.deployedBytecode.object', 'storageLayout'];
  const outputSelection = Object.fromEntries(
    Object.entries(targets).map(([name, source]) => [source, { [name]: wanted }]),
  );
  const input = { language: 'Solidity', sources, settings: { ...compilerSettings, outputSelection } };
  const output: CompilerOutput = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
  const errors = (output.errors ?? []).filter((entry) => entry.severity === 'error');
  if (errors.length > 0)
    throw new FedaiError('BAD_CONTRACT', errors.map((entry) => entry.formattedMessage).join('\n'));
  return output.contracts;
}

const lowerFirst = (name: string) => name[0]!.toLowerCase() + name.slice(1);

/** Library name to the byte offsets of its 20-byte address in the bytecode. */
function linkOffsets(references: LinkReferences): Record<string, number[]> {
  const offsets: Record<string, number[]> = {};
  for (const libraries of Object.values(references)) {
    for (const [name, places] of Object.entries(libraries))
      offsets[name] = places.map((place) => place.start);
  }
  return offsets;
}

function moduleText(name: string, artifact: Artifact): string {
  const links = linkOffsets(artifact.evm.bytecode.linkReferences);
  return [
    `/** Generated from ${targets[name]} by scripts/build-contracts.ts. */`,
    `export const ${lowerFirst(name)}Abi = ${JSON.stringify(artifact.abi, null, 1)} as const;`,
    '/** Library name to the byte offsets where its address is linked in. */',
    `export const linkReferences: Readonly<Record<string, readonly number[]>> = ${JSON.stringify(links)};`,
    `export const bytecode: \`0x\${string}\` = '0x${artifact.evm.bytecode.object}';`,
    `export const deployedBytecode: \`0x\${string}\` = '0x${artifact.evm.deployedBytecode.object}';`,
    '',
  ].join('\n');
}

/** The slot of JobManager's receiptHash, the first member of its ledger `$`. */
function receiptSlot(jobManager: Artifact): string {
  const ledger = jobManager.storageLayout.storage.find((entry) => entry.label === '$');
  if (!ledger) throw new FedaiError('BAD_CONTRACT', 'JobManager has no ledger', { expected: '$' });
  return ledger.slot;
}

function indexText(slot: string): string {
  const lines = Object.keys(targets).map((name) => {
    const prefix = lowerFirst(name);
    const renamed = ['bytecode', 'deployedBytecode', 'linkReferences'].map(
      (key) => `${key} as ${prefix}${key[0]!.toUpperCase()}${key.slice(1)}`,
    );
    return `export { ${[`${prefix}Abi`, ...renamed].join(', ')} } from './${name}.ts';`;
  });
  lines.push(
    '/** Storage slot of the mapping from job id to receipt hash in JobManager. */',
    `export const RECEIPT_SLOT = ${slot}n;`,
  );
  lines.push("export { storage } from './storage.ts';");
  return `/** Generated by scripts/build-contracts.ts. */\n${lines.join('\n')}\n`;
}

/** Builds when needed; true when something was written. Throws with the compiler's messages. */
export function buildContracts(): boolean {
  const hash = sourcesHash();
  if (existsSync(hashFile) && readFileSync(hashFile, 'utf8') === hash) return false;
  const contracts = compile();
  const draft = join(root, `contracts/cache/generated.${process.pid}`);
  mkdirSync(draft, { recursive: true });
  for (const [name, source] of Object.entries(targets)) {
    writeFileSync(join(draft, `${name}.ts`), moduleText(name, contracts[source]![name]!));
  }
  writeFileSync(join(draft, 'index.ts'), indexText(receiptSlot(contracts[targets.JobManager!]!.JobManager!)));
  const layoutOf = (name: string) => contracts[targets[name]!]![name]!.storageLayout;
  writeFileSync(join(draft, 'storage.ts'), storageText(layoutOf));
  writeFileSync(join(draft, 'sources.sha256'), hash);
  rmSync(outFolder, { recursive: true, force: true });
  renameSync(draft, outFolder);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const startedAt = performance.now();
  const built = buildContracts();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.error(built ? `contracts built in ${seconds} s` : 'contracts are up to date');
}
