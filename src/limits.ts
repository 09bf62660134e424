/**
 * The longest token that is looked at, in characters. Node takes 16 KiB of request headers unless told
 * otherwise, so no honest cookie is longer; the bound is for servers that raised that limit.
 */
export const MAX_TOKEN_LENGTH = 65536

/** Room for a signature behind a token. */
export const MAX_SIGNED_LENGTH = MAX_TOKEN_LENGTH + 1024

/** The longest value that is decoded. No value that a codec would open is longer, however it is encoded. */
export const MAX_ENCODED_LENGTH = 3 * MAX_TOKEN_LENGTH
