/** Tests that have a Redis of their own; apart from it, since a script that starts one is no test. */
import { type Test, test } from 'tap'
import { LASTING, type RedisServer, skipWithoutRedis, startRedis } from './redis.ts'

/** A test that has a Redis of its own, and is skipped where there is none to be had. */
export const testWithRedis = (
  name: string,
  work: (t: Test, redis: RedisServer) => Promise<void>
): void => {
  void test(name, async (t) => {
    if (!(await skipWithoutRedis(t))) await work(t, await startRedis(t, { args: LASTING }))
  })
}
