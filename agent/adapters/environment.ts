const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Where the programs are that a command of the administrator calls by their names. */
export const programPath = (): string => process.env.PATH ?? PATH

/** What commands get of the agent's own environment: the language and the time zone. */
export const keptEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(['LANG', 'LC_ALL', 'TZ'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
