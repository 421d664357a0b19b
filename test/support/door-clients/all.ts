/** The clients of every door: whoever adds a door adds a line. */
import { AWS } from './aws-clients.ts'
import type { ClientsOfDoor } from './client.ts'
import { DAPR } from './dapr-clients.ts'
import { VAULT } from './vault-clients.ts'

export const CLIENTS: readonly ClientsOfDoor[] = [VAULT, AWS, DAPR]
