import type { Config, DataConfig, FolderConfig, JobConfig } from '../config'

/** The configuration as one node acts on it: a folder that has a path for each node is at this node's own. The hash is the whole file's, before this. */
export function configOfNode(config: Config, node: string): Config {
  const jobs = Object.entries(config.jobs).map(([name, job]): [string, JobConfig] => [name, job.data ? { ...job, data: ownFolders(job.data, node) } : job])
  return { ...config, jobs: Object.fromEntries(jobs) }
}

function ownFolders(data: DataConfig, node: string): DataConfig {
  return { ...data, folders: data.folders.map((folder) => ownFolder(folder, node)) }
}

const ownFolder = ({ path, nodePaths, exclude }: FolderConfig, node: string): FolderConfig =>
  nodePaths === undefined ? { path, exclude } : { path: nodePaths[node] ?? path, name: path, exclude }
