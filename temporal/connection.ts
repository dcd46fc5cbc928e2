import {
  InterceptingCall,
  Metadata,
  status,
  type InterceptingListener,
  type Interceptor,
  type NextCall,
  type StatusObject,
} from '@grpc/grpc-js';
import { Connection, defaultGrpcRetryOptions, type ConnectionOptions } from '@temporalio/client';

/** How a connection to Temporal is opened. */
export interface OpenOptions extends Omit<ConnectionOptions, 'interceptors'> {
  /** How often a call is tried while the server cannot serve. @default the SDK's, 10 */
  maximumAttempts?: number;
}

/** The words of the failure of a call that its connection's close ended. */
const CLOSED = 'the connection was closed';

/**
 * Makes a connection that connects with its first call. Its `close()` ends the calls under way: each
 * fails then. With the SDK's own retries a call would outlive it, and the timer of its next try would
 * throw where nothing can catch it, which ends the process.
 */
export function lazyConnection({ maximumAttempts, ...options }: OpenOptions): Connection {
  const retry = defaultGrpcRetryOptions(
    maximumAttempts === undefined ? {} : { maxAttempts: maximumAttempts },
  );
  const underWay = new Set<RetriedCall>();
  const interceptor: Interceptor = (callOptions, nextCall) => {
    const call = new RetriedCall(() => nextCall(callOptions), { retry, underWay });
    return new InterceptingCall(call);
  };
  const connection = Connection.lazy({ ...options, interceptors: [interceptor] });
  const close = connection.close.bind(connection);
  connection.close = async () => {
    for (const call of underWay) call.cancelWithStatus(status.CANCELLED, CLOSED);
    await close();
  };
  return connection;
}

/**
 * Connects to Temporal; see {@link lazyConnection}.
 *
 * @throws what the SDK's `Connection.connect` throws, with nothing left open.
 */
export async function openConnection(options: OpenOptions): Promise<Connection> {
  const connection = lazyConnection(options);
  try {
    await connection.ensureConnected();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** A call as the library makes it. */
type Call = ReturnType<NextCall>;

/** A unary call that is tried again as the SDK's are, and can be ended while it waits for its next try. */
class RetriedCall implements Call {
  private call: Call;
  private attempt = 1;
  private nextTry: NodeJS.Timeout | undefined;
  private begin = () => {};
  private send = () => {};
  private end: (status: StatusObject) => void = () => {};

  constructor(
    private readonly newCall: () => Call,
    private readonly given: {
      retry: ReturnType<typeof defaultGrpcRetryOptions>;
      underWay: Set<RetriedCall>;
    },
  ) {
    this.call = newCall();
  }

  start(metadata: Metadata, listener: Partial<InterceptingListener> = {}): void {
    const { retry, underWay } = this.given;
    underWay.add(this);
    let received: unknown = null;
    this.end = (ended) => {
      underWay.delete(this);
      listener.onReceiveMessage?.(received);
      listener.onReceiveStatus?.(ended);
    };
    this.begin = () =>
      this.call.start(metadata, {
        onReceiveMetadata: (answered) => listener.onReceiveMetadata?.(answered),
        onReceiveMessage: (message: unknown) => (received = message),
        onReceiveStatus: (ended) => {
          if (!retry.retryableDecider(this.attempt, ended)) this.end(ended);
          else this.nextTry = setTimeout(this.again, retry.delayFunction(this.attempt, ended));
        },
      });
    this.begin();
  }

  private readonly again = () => {
    this.nextTry = undefined;
    this.attempt += 1;
    this.call = this.newCall();
    this.begin();
    this.send();
    this.call.halfClose();
  };

  sendMessageWithContext(context: object, message: unknown): void {
    this.send = () => this.call.sendMessageWithContext(context, message);
    this.send();
  }

  sendMessage(message: unknown): void {
    this.sendMessageWithContext({}, message);
  }

  cancelWithStatus(code: status, details: string): void {
    if (this.nextTry === undefined) {
      this.call.cancelWithStatus(code, details);
      return;
    }
    clearTimeout(this.nextTry);
    this.end({ code, details, metadata: new Metadata() });
  }

  halfClose(): void {
    this.call.halfClose();
  }

  startRead(): void {
    this.call.startRead();
  }

  getPeer(): string {
    return this.call.getPeer();
  }

  getAuthContext(): ReturnType<Call['getAuthContext']> {
    return this.call.getAuthContext();
  }
}
