package programs

import "syscall/js"

// rest waits until JavaScript has had a turn, which it has when no goroutine can run. A timer of
// Go's would not do: it also ends when another goroutine waits for a moment.
func rest() {
	done := make(chan struct{})
	turn := js.FuncOf(func(js.Value, []js.Value) any { close(done); return nil })
	defer turn.Release()
	js.Global().Call("setTimeout", turn, 0)
	<-done
}
