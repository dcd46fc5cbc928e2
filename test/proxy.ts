import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that a test can make silent. */
export interface Proxy {
  /** The server's URL by way of the proxy. */
  url: string;
  /** Keeps what the server says from its client, until {@link release}. */
  hold: () => void;
  /** Passes on what was held, in order. */
  release: () => void;
  /** Ends all connections, forgets what was held, and takes no new ones, until {@link mend}. */
  cut: () => void;
  mend: () => void;
  close: () => Promise<void>;
}

/** Starts a proxy on a free port of this machine in front of the server of a URL. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  let isHolding = false;
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // A reset is a test's own doing.
      socket.on('error', () => {});
    }
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => {
      if (isHolding) held.push(() => client.write(data));
      else client.write(data);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    hold: () => {
      isHolding = true;
    },
    release: () => {
      isHolding = false;
      for (const write of held.splice(0)) write();
    },
    cut: () => {
      isCut = true;
      isHolding = false;
      held.splice(0);
      for (const socket of sockets) socket.destroy();
    },
    mend: () => {
      isCut = false;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}
