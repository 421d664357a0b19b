/** Why a check cannot tell, as a sentence of ours that may be shown. */
export class NotKnown extends Error {}

/** What needs a whole configuration cannot be told without one. */
export const MEND_FIRST = 'the configuration has to be mended first'
