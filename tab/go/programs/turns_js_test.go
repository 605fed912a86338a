package programs

import (
	"context"
	"io"
	"syscall/js"
	"testing"
	"time"
)

// TestProgramsThatComputeLeaveJavaScriptItsTurn stops several of them by an event of JavaScript's.
func TestProgramsThatComputeLeaveJavaScriptItsTurn(t *testing.T) {
	loop := "while :; do :; done"
	for _, script := range []string{
		loop, loop + " & " + loop, loop + " | " + loop, loop + " & jq -n 'def f: f; f'",
		loop + " & " + loop + " & " + loop + " & " + loop,
	} {
		ctx, cancel := context.WithCancelCause(context.Background())
		stop := js.FuncOf(func(js.Value, []js.Value) any { cancel(SIGKILL); return nil })
		js.Global().Call("setTimeout", stop, 200)
		done := make(chan int, 1)
		go func() {
			done <- newMachine(t).Run(ctx, &Process{
				Args: []string{"bash", "-c", script}, Dir: "/",
				Stdout: io.Discard, Stderr: io.Discard,
			})
		}()
		// A timer of Go's: it comes where JavaScript has no turn, too.
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Errorf("%s: it still runs", script)
			cancel(SIGKILL)
			<-done
		}
		stop.Release()
	}
}
