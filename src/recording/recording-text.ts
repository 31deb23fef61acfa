/**
 * The lines of a recording in memory: compressed block by block while they come, with a cap. What is beyond the cap is not kept: the
 * recording ends there, and says so.
 */

/** A block that is compressed at once, characters. */
const blockCharacters = 262_144

export class RecordingText {
  readonly #maxBytes: number
  #lines: string[] = []
  #characters = 0
  /** In order. A block that is not compressed yet is its text. */
  readonly #blocks: (Uint8Array | string)[] = []
  #bytes = 0
  #isFull = false

  /** `maxBytes`: of all blocks together, compressed where the host can. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Nothing more is kept. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Bytes that it holds, about. */
  get bytes(): number {
    return this.#bytes + this.#characters
  }

  add(line: string): void {
    if (this.#isFull) return
    this.#lines.push(line)
    this.#characters += line.length + 1
    if (this.#characters >= blockCharacters) this.#seal()
  }

  /** True from the moment on in which there is no room for another block. */
  get isNearlyFull(): boolean {
    return this.#bytes + this.#characters + blockCharacters > this.#maxBytes
  }

  close(): void {
    this.#isFull = true
  }

  #seal(): void {
    const text = `${this.#lines.join('\n')}\n`
    const place = this.#blocks.push(text) - 1
    this.#lines = []
    this.#characters = 0
    this.#bytes += text.length
    void compressed(text).then((block) => {
      this.#blocks[place] = block
      this.#bytes += block.length - text.length
    }, keepsText)
  }

  /** The file with all lines until now: members of gzip one after the other, or plain text where nothing compresses. */
  async file(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#lines.length > 0) this.#seal()
    const blocks = await Promise.all(this.#blocks.map(async (block) => (typeof block === 'string' ? compressed(block) : block)))
    const file = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const block of blocks) {
      file.set(block, at)
      at += block.length
    }
    return file
  }
}

/** The block stays a text; `file` tries again. */
const keepsText = (): void => undefined

async function compressed(text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  if (typeof CompressionStream === 'undefined') return bytes
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
