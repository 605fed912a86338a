//go:build !js

package programs

import "time"

// rest waits a moment: with several threads, others have their turn anyway.
func rest() { time.Sleep(time.Millisecond) }
