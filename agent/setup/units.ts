import fs from 'node:fs'
import path from 'node:path'
import { isSea } from 'node:sea'
import { plainReason } from '../adapters/failure'
import { SHUTDOWN_UNIT } from '../adapters/systemd'
import { setupFailure } from './failure'
import { type Output, readOptions } from './options'

const USAGE = 'mirrorpair-agent units [--witness] [--out DIR] [--program FILE]'
const DEFAULT_PROGRAM = '/usr/local/bin/mirrorpair-agent'
const UNIT_MODE = 0o644
/** What the unit gives `leave`, and what systemd gives the unit: a little more. */
const LEAVE_TIMEOUT = '90s'
const STOP_TIMEOUT = '100s'

const OPTIONS = { out: { type: 'string' }, program: { type: 'string' }, witness: { type: 'boolean', default: false } } as const

/** The units of systemd for this machine, on standard output or as files. */
export async function units(argv: string[], { print }: Output): Promise<void> {
  const { values, positionals } = readOptions(argv, OPTIONS, USAGE)
  if (positionals.length > 0) throw setupFailure('E_SETUP_USAGE', { what: `units takes no ${positionals[0]}`, usage: USAGE })
  const program = values.program ?? (isSea() ? process.execPath : DEFAULT_PROGRAM)
  const made = values.witness ? witnessUnits(program) : nodeUnits(program)
  for (const [name, text] of Object.entries(made)) {
    if (values.out === undefined) print(`# ${name}\n${text}`)
    else print(write(path.join(values.out, name), text))
  }
  if (values.out !== undefined) print(`systemctl daemon-reload && systemctl enable --now ${Object.keys(made).join(' ')}`)
}

function write(file: string, text: string): string {
  try {
    fs.writeFileSync(file, text, { mode: UNIT_MODE })
    return file
  } catch (error) {
    throw setupFailure('E_SETUP_WRITE', { file, why: plainReason(error) })
  }
}

/**
 * `KillMode=process`: what serves outlives the engine. `StartLimitIntervalSec=0`: after five starts within ten seconds systemd would start it no more, and
 * what it waits for (an address, a disk, room on it) may come later. The second unit is stopped first when the machine goes down, and does nothing when it
 * is stopped otherwise.
 */
export const nodeUnits = (program: string): Record<string, string> => ({
  'mirrorpair-agent.service': `[Unit]
Description=mirrorpair engine
Documentation=man:mirrorpair-agent(8)
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${program} run
Restart=always
RestartSec=1
KillMode=process

[Install]
WantedBy=multi-user.target
`,
  [SHUTDOWN_UNIT]: `[Unit]
Description=mirrorpair hands its jobs over before this machine goes down
Documentation=man:mirrorpair-agent(8)
After=mirrorpair-agent.service network.target network-online.target remote-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStop=${program} leave --when-shutting-down --timeout ${LEAVE_TIMEOUT}
TimeoutStopSec=${STOP_TIMEOUT}

[Install]
WantedBy=multi-user.target
`
})

const witnessUnits = (program: string): Record<string, string> => ({
  'mirrorpair-witness.service': `[Unit]
Description=mirrorpair witness
Documentation=man:mirrorpair-agent(8)
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${program} witness run
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
`
})
