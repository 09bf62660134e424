import { BadRequestException, type PipeTransform } from '@nestjs/common'
import type { ZodType } from 'zod'

/** Lets only bodies on that fit a schema. */
export class SchemaPipe<Body> implements PipeTransform<unknown, Body> {
  constructor (private readonly schema: ZodType<Body>) {}

  transform (value: unknown): Body {
    const result = this.schema.safeParse(value)
    if (!result.success) throw new BadRequestException()
    return result.data
  }
}
