/** The bounds of everything a peer may make this process hold, in one place. Each says why it is what it is. */

/** Gossip is for headers, votes and announcements: a 256 KiB message costs 20 times the latency of a 1 KiB one, so larger things go on streams. */
export const MAX_GOSSIP_BYTES = 64 * 1024;
/** One gossip RPC carries several messages (answers to IWANT); sixteen full ones bound its memory. */
export const MAX_GOSSIP_RPC_BYTES = 16 * MAX_GOSSIP_BYTES;
/** Sustained gossip messages a second from one neighbour: a hundred validators voting twice a second, several times over. */
export const GOSSIP_PER_PEER_PER_SECOND = 500;
export const GOSSIP_BURST = 2_000;
/** A stream's unsent bytes before it is aborted; `send` answers false far earlier, and the writer then waits. */
export const MAX_WRITE_BUFFER_BYTES = 4 * 1024 * 1024;
/** Pieces handed to the muxer at once: 64 KiB keeps 80 % of the throughput of 1 MiB and lets other streams in between. */
export const WRITE_CHUNK_BYTES = 64 * 1024;
/** Unsent bytes at which a writer waits: a few round trips' worth. */
export const WRITE_HIGH_WATER_BYTES = 512 * 1024;
/** Peers to stay connected with; a network smaller than this is a full mesh. */
export const TARGET_PEERS = 32;
export const MAX_CONNECTIONS = 128;
/** Addresses remembered of peers not connected. */
export const MAX_CANDIDATES = 1_024;
/** On disk and in memory, about 1 KiB each: as many as a start takes for candidates, and all that are connected. */
export const MAX_REMEMBERED_PEERS = MAX_CANDIDATES + MAX_CONNECTIONS;
/** Dozens of processes behind one address (a devnet, a NAT) start within a second; the default of 5 would refuse them. */
export const INBOUND_CONNECTIONS_PER_HOST_PER_SECOND = 64;
/** From the first byte of a connection to its end of handshake, and for each stream's opening. */
export const HANDSHAKE_TIMEOUT_MS = 20_000;
