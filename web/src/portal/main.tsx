import { RouterProvider } from '@tanstack/react-router'
import { mount } from '../ui/mount.tsx'
import { product } from '../ui/page.ts'
import { createQueryClient } from '../ui/query.ts'
import { createPortalRouter } from './router.tsx'

const queryClient = createQueryClient(() => {})
const router = createPortalRouter(queryClient)

mount(<RouterProvider router={router} />, { accent: product.brand.color ?? '#3538cd', queryClient })
