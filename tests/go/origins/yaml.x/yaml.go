// Package yaml stands for somebody else's code, whose import path has a dot behind its last slash.
package yaml

// Decoder calls back.
type Decoder[T any] struct{ Value T }

// Decode hands the value to f.
//
//go:noinline
func (d *Decoder[T]) Decode(f func(T)) { f(d.Value) }
