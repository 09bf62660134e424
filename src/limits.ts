/**
 * The longest token that is looked at, in characters. Node takes 16 KiB of request headers unless
 * told otherwise, so no honest cookie is longer; the bound is for whoever raised that limit.
 */
export const MAX_TOKEN_LENGTH = 65536

/** Room for a signature behind a token. */
export const MAX_SIGNED_LENGTH = MAX_TOKEN_LENGTH + 1024
