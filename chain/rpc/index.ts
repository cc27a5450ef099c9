export { createRpcServer, type RpcServer, type RpcServerOptions } from './server.ts';
