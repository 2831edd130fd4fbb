import { define } from './report'

/** What the adapters of the agent say: disk, heartbeat, VIP, applications, mirrord. */
interface At {
  node: string
}

const diskReports = {
  E_STATE_DAMAGED: define<At & { file: string; previous: string; why: string }>({
    exitCode: 1,
    message: ({ node, file, why }) => `The state file ${file} of ${node} is damaged (${why}); the agent does not guess who owns which job.`,
    tryThis: ({ file, previous }) =>
      `Look at the job owners on the other node (allstate). If ${previous} says the same, copy it over ${file}; if not, or if there is no other node, remove both files only when the service runs nowhere. Then start the agent.`
  }),
  E_STATE_NEWER: define<At & { file: string; found: number; known: number }>({
    exitCode: 1,
    message: ({ node, file, found, known }) =>
      `The state file ${file} of ${node} has the format ${found}, of a newer version; this one knows formats up to ${known} and does not guess.`,
    tryThis: () => 'Install the newer version again. To go back to this one, bring the jobs out with the newer version first.'
  }),
  E_STATE_FOREIGN: define<At & { file: string; other: string }>({
    exitCode: 1,
    message: ({ node, file, other }) => `The state file ${file} belongs to node ${other}, and this node is ${node}.`,
    tryThis: ({ file }) => `If this machine was cloned or renamed, move ${file} away and start the agent; else correct the host name or the state directory.`
  }),
  E_STATE_NOT_SAVED: define<At & { file: string; why: string }>({
    exitCode: 1,
    message: ({ node, file, why }) => `The state file ${file} of ${node} could not be written: ${why}.`,
    tryThis: ({ file }) => `Check that the file system of ${file} is mounted, writable and not full. The agent acts on nothing that it could not save.`
  })
}

const configReports = {
  E_CONFIG_ADDRESS: define<At & { where: string; address: string; nics: string }>({
    exitCode: 5,
    message: ({ node, where, address }) => `${node} has no address ${address}, which the new configuration names for ${where}.`,
    tryThis: ({ nics }) => `Give the network card this address first (it has: ${nics}), then apply the configuration.`
  }),
  E_CONFIG_PATH: define<At & { path: string; job: string; why: string }>({
    exitCode: 5,
    message: ({ node, path, job, why }) => `The folder ${path} of ${job} cannot be used on ${node}: ${why}.`,
    tryThis: ({ path }) => `Make the folder ${path} on both nodes first, with nothing of another job or of mirrorpair in it, then apply the configuration.`
  }),
  E_CONFIG_NIC: define<At & { vip: string; nic: string; nics: string }>({
    exitCode: 5,
    message: ({ node, vip, nic }) => `${node} has no network card ${nic}, which is named for VIP ${vip}.`,
    tryThis: ({ nics }) => `Name one of its cards (${nics}), or none: then the one whose network holds the address is taken.`
  }),
  E_CONFIG_DEVICE: define<At & { link: string; device: string; why: string }>({
    exitCode: 5,
    message: ({ node, link, device, why }) => `The serial line ${device} of link ${link} cannot be used on ${node}: ${why}.`,
    tryThis: () => 'Name the device of the port that the cable is in (dmesg | grep tty; ls /dev/ttyS* /dev/ttyUSB*), and let no login or console have it.'
  }),
  E_CONFIG_ETCD_FILE: define<At & { file: string; why: string }>({
    exitCode: 5,
    message: ({ node, file, why }) => `${file}, which the new witness names for etcd, cannot be read on ${node}: ${why}.`,
    tryThis: ({ file }) => `Put ${file} on both nodes first, readable by root only where it is a key or a password, then give the command again.`
  }),
  E_CONFIG_UNIT: define<At & { job: string; application: string; unit: string; state: string }>({
    exitCode: 5,
    message: ({ node, job, application, unit, state }) => `Application ${application} of ${job}: systemd on ${node} says that ${unit} is ${state}.`,
    tryThis: ({ unit }) => `Install it there, or write another unit (systemctl list-unit-files lists them); systemctl status ${unit} says more.`
  }),
  E_CONFIG_AGENT: define<At & { job: string; application: string; what: string; instead: string }>({
    exitCode: 5,
    message: ({ node, job, application, what }) => `Application ${application} of ${job} on ${node}: ${what}.`,
    tryThis: ({ instead }) => instead
  }),
  E_AGENT_UNKNOWN: define<At & { agent: string; nearest: string | null }>({
    exitCode: 1,
    message: ({ node, agent }) => `${node} has no resource agent ${agent}.`,
    tryThis: ({ nearest }) => (nearest === null ? 'agents list has those that are there.' : `Did you mean ${nearest}?`)
  }),
  E_AGENT_METADATA: define<At & { agent: string; why: string }>({
    exitCode: 1,
    message: ({ node, agent, why }) => `${agent} on ${node} says nothing of itself that can be read: ${why}.`,
    tryThis: ({ agent }) => `Run it by hand with the word meta-data and OCF_ROOT=/usr/lib/ocf; ${agent} may still start and stop, unchecked.`
  }),
  E_CONFIG_VIP_ANSWERS: define<At & { vip: string; address: string; hardware: string }>({
    exitCode: 5,
    message: ({ node, vip, address, hardware }) => `VIP ${vip}: ${hardware} answers for ${address} already, as ${node} sees it.`,
    tryThis: ({ address }) => `Find the machine with that hardware address and take ${address} away there, or choose a free address.`
  }),
  E_CONFIG_KEPT: define<At & { file: string; why: string }>({
    exitCode: 1,
    message: ({ node, file, why }) => `What ${node} keeps of its configuration, ${file}, cannot be used: ${why}.`,
    tryThis: ({ file }) =>
      `Compare the configuration file with the other node's. If both are the same, move ${file} away and start the agent: the nodes agree anew when they meet.`
  })
}

const heartbeatReports = {
  E_HEARTBEAT_KEY: define<At & { file: string; why: string }>({
    exitCode: 1,
    message: ({ node, file, why }) => `The heartbeat key ${file} of ${node} cannot be used: ${why}; expected are exactly 32 bytes, readable by the agent only.`,
    tryThis: ({ file }) => `Copy ${file} from the other node of the pair (mode 0600), or make the pair's keys anew on both nodes.`
  }),
  E_HEARTBEAT_START: define<At & { why: string; file: string }>({
    exitCode: 1,
    message: ({ node, why }) => `The heartbeat program of ${node} did not start: ${why}.`,
    tryThis: ({ file }) => `Read ${file}; check that the run directory is writable and that no other cluster's agent uses it.`
  })
}

const vipReports = {
  E_FENCE: define<At & { victim: string; agent: string; why: string }>({
    exitCode: 5,
    message: ({ node, victim, agent, why }) => `${node} could not make sure with ${agent} that ${victim} is off: ${why}.`,
    tryThis: ({ agent }) => `Run ${agent} by hand with action=status and the options of the configuration; it is asked again every few seconds.`
  }),
  E_VIP_DUPLICATE: define<At & { vip: string; address: string; hardware: string; nic: string }>({
    exitCode: 5,
    message: ({ node, vip, address, hardware, nic }) =>
      `VIP ${vip} (${address}) was not raised on ${node}: ${hardware} answers for it on the network of ${nic}.`,
    tryThis: ({ address }) => `Find the machine with that hardware address and remove ${address} there, or give the job another VIP.`
  }),
  E_VIP_NO_NIC: define<At & { vip: string; address: string; nics: string }>({
    exitCode: 5,
    message: ({ node, vip, address, nics }) => `No NIC of ${node} has a network that holds VIP ${vip} (${address}); it has: ${nics}.`,
    tryThis: () => 'Check the NIC and its address with `ip addr`, or name the NIC in the configuration (vips: … nic: NAME).'
  }),
  E_VIP_COMMAND: define<At & { vip: string; command: string; why: string }>({
    exitCode: 1,
    message: ({ node, vip, command, why }) => `VIP ${vip} on ${node}: \`${command}\` failed: ${why}.`,
    tryThis: () => 'Check that iproute2 is installed and that the agent runs as root (or has CAP_NET_ADMIN); try the command by hand.'
  }),
  E_VIP_PROBE: define<At & { vip: string; nic: string; why: string }>({
    exitCode: 1,
    message: ({ node, vip, nic, why }) => `VIP ${vip} on ${node}: the check for a duplicate address on ${nic} could not be made: ${why}.`,
    tryThis: () => 'Check that the NIC is up and has a link, and that the agent runs as root (or has CAP_NET_RAW).'
  })
}

interface OfApplication extends At {
  job: string
  application: string
}

const applicationReports = {
  E_APPLICATION_START: define<OfApplication & { why: string; output: string; log: string | null }>({
    exitCode: 1,
    message: ({ node, job, application, why, output }) =>
      `Application ${application} of ${job} did not start on ${node}: ${why}.${output === '' ? '' : ` Its last output: ${output}`}`,
    tryThis: ({ log }) =>
      log === null ? 'Start it by hand and read what it says.' : `Read ${log}; try the start and check commands by hand as the application's user.`
  }),
  E_APPLICATION_STOP: define<OfApplication & { why: string }>({
    exitCode: 1,
    message: ({ node, job, application, why }) => `Application ${application} of ${job} could not be stopped on ${node}: ${why}.`,
    tryThis: () =>
      'Look for processes that hang in the kernel (state D in `ps`), often on a dead disk or network file system; the job must not start elsewhere before they are gone.'
  }),
  E_APPLICATION_UNSEEN: define<OfApplication & { why: string }>({
    exitCode: 1,
    message: ({ node, job, application, why }) => `It is not known whether application ${application} of ${job} runs on ${node}: ${why}.`,
    tryThis: () => 'It is asked again by itself. Look whether systemd answers (`systemctl status`).'
  }),
  E_APPLICATION_AGENT: define<OfApplication & { agent: string; why: string }>({
    exitCode: 5,
    message: ({ node, job, application, agent, why }) => `Application ${application} of ${job} cannot run on ${node}, as its agent ${agent} says: ${why}.`,
    tryThis: ({ agent }) => `Correct what it names: install what is missing on both nodes, or change \`parameters\` (agents describe ${agent} tells them).`
  }),
  E_APPLICATION_USER: define<OfApplication & { user: string; why: string }>({
    exitCode: 5,
    message: ({ node, job, application, user, why }) => `Application ${application} of ${job} cannot run as ${user} on ${node}: ${why}.`,
    tryThis: ({ user }) =>
      `Create the account ${user} on both nodes with the same numbers, or correct \`user\` in the configuration; the agent must run as root to change the user.`
  })
}

interface OfJob extends At {
  job: string
}

const dataReports = {
  E_MIRRORD_START: define<OfJob & { why: string; log: string }>({
    exitCode: 1,
    message: ({ node, job, why }) => `mirrord of ${job} did not start on ${node}: ${why}.`,
    tryThis: ({ log }) => `Read ${log}; the agent tries again at the next bringin.`
  }),
  E_MIRRORD_CONFIG: define<OfJob & { why: string }>({
    exitCode: 5,
    message: ({ node, job, why }) => `The mirrord of ${job} that runs on ${node} was started with another configuration: ${why}.`,
    tryThis: ({ job }) =>
      `The change takes effect when the job is brought in after \`detach ${job} --stop-data\` or \`bringout ${job}\`; or put the old configuration back.`
  }),
  E_MIRRORD_TIMEOUT: define<OfJob & { request: string; timeoutMs: number }>({
    exitCode: 6,
    message: ({ node, job, request, timeoutMs }) => `mirrord of ${job} on ${node} did not answer \`${request}\` within ${timeoutMs} ms.`,
    tryThis: ({ job }) => `Look at \`jobstate ${job}\` and at the disk of the folder; when it stays silent, bring the job out and in again.`
  }),
  E_MIRRORD_INSTEAD: define<OfJob & { why: string }>({
    exitCode: 1,
    message: ({ node, job, why }) =>
      `The installed data program did not take over ${job} on ${node} (${why}), so the one before was started again and goes on.`,
    tryThis: () => 'No application has seen an error. Read the log of mirrord in the state directory, install the version anew, then upgrade again.'
  }),
  E_MIRRORD_LOST: define<OfJob & { request: string; why: string }>({
    exitCode: 1,
    message: ({ node, job, request, why }) => `mirrord of ${job} on ${node} could not carry out \`${request}\`: ${why}.`,
    tryThis: ({ job }) => `Read mirrord's log in the state directory; \`bringin ${job}\` starts it again.`
  })
}

export const adapterReports = {
  ...configReports,
  ...diskReports,
  ...heartbeatReports,
  ...vipReports,
  ...applicationReports,
  ...dataReports
}
export type AdapterCode = keyof typeof adapterReports
