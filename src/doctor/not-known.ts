/** Why a check cannot tell, as a sentence of ours that may be shown. */
export class NotKnown extends Error {}
