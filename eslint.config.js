import neostandard from 'neostandard'

const maxLines = (max) => ['error', { max, skipBlankLines: true, skipComments: true }]

export default [
  { ignores: ['**/dist/', '**/.next/', 'coverage/', 'fuzz/build/', 'test/package/fixtures/'] },
  ...neostandard({ ts: true }),
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': maxLines(300),
      'max-lines-per-function': maxLines(40),
      complexity: ['error', 12],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }]
    }
  },
  { files: ['src/require.cjs'], languageOptions: { sourceType: 'commonjs' } }
]
