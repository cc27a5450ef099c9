/** All pages, in one file for the browser beside the frame: they share what is large, the contracts' ABIs and their codec. */
export { AccountPage } from './account.tsx';
export { BlockPage } from './block.tsx';
export { BlocksPage } from './blocks.tsx';
export { ContractsPage } from './contracts.tsx';
export { JobPage } from './job.tsx';
export { JobsPage } from './jobs.tsx';
export { NetworkPage } from './network.tsx';
export { Overview } from './overview.tsx';
export { PeoplePage } from './people.tsx';
export { ProofPage } from './proof.tsx';
export { ProofsPage } from './proofs.tsx';
export { SearchPage } from './search.tsx';
export { TransactionPage } from './transaction.tsx';
export { ValidatorsPage } from './validators.tsx';
