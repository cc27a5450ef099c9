export { openPages, type Pages } from './pages.ts';
export { createRpcServer, type RpcServer, type RpcServerOptions } from './server.ts';
