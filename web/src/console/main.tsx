import { mount } from '../ui/mount.tsx'
import { createQueryClient } from '../ui/query.ts'

mount(null, { accent: '#0e7090', queryClient: createQueryClient(() => {}) })
