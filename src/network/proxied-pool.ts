import type { Dispatcher as Dispatchers } from 'undici';
import type { ProxyServer } from './proxy.ts';
import { Dispatcher, type OutgoingPool, type Pool } from './undici.ts';

/**
 * The connections to one origin through its current proxy. After a change of the proxy, the next call opens a pool for the
 * new one. The previous pool ends its calls and closes: the credentials of a proxy are never sent to another one.
 */
export class ProxiedPool extends Dispatcher implements OutgoingPool {
  readonly #proxyOf: () => ProxyServer | null;
  readonly #open: (proxy: ProxyServer | null) => Pool;
  #proxy: ProxyServer | null;
  #pool: Pool;
  /** The pools of previous proxies, until their calls have ended. */
  readonly #closing = new Set<Pool>();

  constructor(proxyOf: () => ProxyServer | null, open: (proxy: ProxyServer | null) => Pool) {
    super();
    this.#proxyOf = proxyOf;
    this.#open = open;
    this.#proxy = proxyOf();
    this.#pool = open(this.#proxy);
  }

  get closed(): boolean {
    return this.#pool.closed;
  }

  get destroyed(): boolean {
    return this.#pool.destroyed;
  }

  override dispatch(options: Dispatchers.DispatchOptions, handler: Dispatchers.DispatchHandler): boolean {
    const proxy = this.#proxyOf();
    if (proxy !== this.#proxy && !this.closed && !this.destroyed) this.#replace(proxy);
    return this.#pool.dispatch(options, handler);
  }

  #replace(proxy: ProxyServer | null): void {
    const previous = this.#pool;
    this.#proxy = proxy;
    this.#pool = this.#open(proxy);
    this.#closing.add(previous);
    previous.close(() => this.#closing.delete(previous));
  }

  override async close(): Promise<void> {
    const closing = [...this.#closing].filter((pool) => !pool.destroyed);
    await Promise.all([this.#pool, ...closing].map((pool) => pool.close()));
  }

  override async destroy(): Promise<void> {
    await Promise.all([this.#pool, ...this.#closing].map((pool) => pool.destroy()));
  }
}
