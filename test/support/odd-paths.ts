/** Paths that no store takes, that only some take, and that are as long as may be in some places. */
export const ODD_PATHS: readonly string[] = [
  '',
  'one',
  'team-a/one',
  'a//b',
  '../one',
  'a b ',
  'a\\b',
  'a\u0001b',
  'a#b',
  'none?version=1',
  ...[100, 1012, 1020, 1025, 2000].map((length) => 'x'.repeat(length))
]
