import { whyNoFuse } from './recordedCapture'

const noFuse = whyNoFuse()
if (noFuse !== null && process.env.CI === 'true') throw new Error(`FUSE must be tried in CI: ${noFuse}`)
if (noFuse !== null) console.warn(`capture is not tried here: ${noFuse}`)

/** Tests that need a real mount. */
export const withFuse = noFuse === null ? describe : describe.skip
