import { SharedOrderedLog, type SharedLogMemory } from '../order/sharedOrderedLog'
import { runCaptureThread } from './captureThread'

runCaptureThread((shared) => SharedOrderedLog.attach(shared as SharedLogMemory))
