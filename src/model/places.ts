/** The folder itself, or below it; both as the kernel writes them, without a slash at the end. */
export const isInside = (folder: string, place: string): boolean => place === folder || place.startsWith(`${folder}/`)

/** One is inside the other. */
export const overlap = (one: string, other: string): boolean => isInside(one, other) || isInside(other, one)
