import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be made slow, silent or absent. */
export interface Proxy {
  /** The server's URL by way of the proxy. */
  url: string;
  /** Keeps what the server says from its client, until {@link release}. */
  hold: () => void;
  /** What is held, each connection's together. */
  held: () => Buffer[];
  /** Passes on what was held, in order, and at once: its reader may find it all in one read. */
  release: () => void;
  /** Takes what both sides say and passes nothing on, as a network does that is gone; until {@link mend}. */
  swallow: () => void;
  /** Passes all on so much later, in ms, until {@link mend}. */
  delay: (ms: number) => void;
  /** Ends all connections, forgets what was held, and takes no new ones, until {@link mend}. */
  cut: () => void;
  mend: () => void;
  close: () => Promise<void>;
}

/** Starts a proxy on a free port of this machine in front of the server of a URL. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const held = new Map<Socket, Buffer[]>();
  let isHolding = false;
  let isCut = false;
  let isSwallowing = false;
  let delayMs = 0;
  const pass = (to: Socket, data: Buffer) => {
    if (isSwallowing) return;
    if (delayMs === 0) to.write(data);
    else setTimeout(() => to.destroyed || to.write(data), delayMs);
  };
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
    client.on('data', (data) => pass(upstream, data));
    upstream.on('data', (data) => {
      if (isHolding) held.set(client, [...(held.get(client) ?? []), data]);
      else pass(client, data);
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
    held: () => [...held.values()].map((data) => Buffer.concat(data)),
    release: () => {
      isHolding = false;
      for (const [client, data] of held) client.write(Buffer.concat(data));
      held.clear();
    },
    cut: () => {
      isCut = true;
      isHolding = false;
      held.clear();
      for (const socket of sockets) socket.destroy();
    },
    swallow: () => {
      isSwallowing = true;
    },
    delay: (ms) => {
      delayMs = ms;
    },
    mend: () => {
      isCut = false;
      delayMs = 0;
      if (!isSwallowing) return;
      isSwallowing = false;
      // What was swallowed is missed: no connection of then is whole any more.
      for (const socket of sockets) socket.destroy();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}
