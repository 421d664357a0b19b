/** All parsers that are fuzzed: whatever reads what somebody else may have written. */
import { sealedSubjects } from './sealed.ts'
import { textSubjects } from './texts.ts'

export const fuzzSubjects = [...textSubjects, ...sealedSubjects]
