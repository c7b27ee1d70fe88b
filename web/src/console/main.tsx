import { mount } from '../ui/mount.tsx'
import { createQueryClient } from '../ui/query.ts'

mount(null, { accent: { light: '#0e7090', dark: '#22ccee' }, queryClient: createQueryClient(() => {}) })
