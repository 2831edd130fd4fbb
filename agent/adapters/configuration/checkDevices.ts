import fs from 'node:fs'
import tty from 'node:tty'
import type { Config } from '../../../src/model'
import { failure, plainReason } from '../failure'
import type { Findings } from './findings'

/** Serial lines that are new in it: whoever names a device that is not there has mistyped it. One that is drawn later is a link that is down. */
export async function checkDevices(before: Config, next: Config, findings: Findings): Promise<void> {
  const { node } = findings
  const known = new Set(before.links.map(({ serial }) => serial?.devices[node]))
  for (const { name, serial } of next.links) {
    const device = serial?.devices[node]
    if (device === undefined || known.has(device)) continue
    const why = await whyNotLine(device)
    if (why !== null) findings.refuse(failure('E_CONFIG_DEVICE', { node, link: name, device, why }))
  }
}

/** Opened as the heartbeat opens it: nothing waits for a carrier. */
async function whyNotLine(device: string): Promise<string | null> {
  try {
    if (!(await fs.promises.stat(device)).isCharacterDevice()) return 'it is no device'
    const opened = await fs.promises.open(device, fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK)
    try {
      return tty.isatty(opened.fd) ? null : 'it is no serial line'
    } finally {
      await opened.close()
    }
  } catch (error) {
    return plainReason(error)
  }
}
