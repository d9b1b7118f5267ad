/** Bounded maps: the one place that knows lru-cache. */
import { LRUCache } from 'lru-cache';

/**
 * A least-recently-used map of at most `max` entries, each living at most `ttlMs` (monotonic clock; absent: until evicted).
 * `max` is preallocated: thousands, not millions.
 */
export class BoundedCache<K extends {}, V extends {}> {
  readonly #entries: LRUCache<K, V>;

  constructor(options: { max: number; ttlMs?: number }) {
    this.#entries = new LRUCache<K, V>({
      max: options.max,
      ...(options.ttlMs === undefined ? {} : { ttl: options.ttlMs }),
    });
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Reads without renewing the entry's place in the eviction order. */
  peek(key: K): V | undefined {
    return this.#entries.peek(key);
  }

  set(key: K, value: V, ttlMs?: number): void {
    this.#entries.set(key, value, ttlMs === undefined ? {} : { ttl: ttlMs });
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  get size(): number {
    return this.#entries.size;
  }

  entries(): Iterable<[K, V]> {
    return this.#entries.entries();
  }
}
