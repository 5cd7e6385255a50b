//go:build cgo

// With cgo every sample starts through libc, as programs do that use package net or os/user.

package truth

import "C"
