/** The text of a `purser.yaml` for tests, as a start takes it: whole, or not at all. */
import { ConfigError } from '../../src/config/fault.ts'
import { type FileConfig, inspectConfigFile } from '../../src/config/file.ts'

/** `label` is what faults call the file. Throws ConfigError with every fault. */
export const parseConfigFile = (...args: Parameters<typeof inspectConfigFile>): FileConfig => {
  const { file, faults } = inspectConfigFile(...args)
  if (faults.length > 0) throw new ConfigError(faults)
  return file
}
