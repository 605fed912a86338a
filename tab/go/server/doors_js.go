package main

import (
	"encoding/json"
	"syscall/js"
	"time"

	"tab/doors"
)

// doorFunctions are what another language in this process needs of its network and programs.
// Where a result is told below, a string in its place is a doors.Problem in JSON. Seconds are 0
// for no limit; a command is a doors.Command in JSON.
//
//	connect(network, address, seconds): a Promise of the stream's number
//	secure(stream, trust, seconds): of a doors.Session; trust is a doors.Trust in JSON
//	lookup(name): of an array of addresses
//	read(stream, size, seconds): of a Uint8Array, empty at the end
//	write(stream, bytes): of nothing
//	wait(process, seconds): of the exit code, or null if it has not ended
//
// These do not wait:
//
//	take(stream): a Uint8Array
//	isReadable(stream): a boolean
//	poll(process): as wait
//	close(stream), kill(process, signal), forget(process)
//	start(command): a doors.Started; programs(): an array of names
//	certificates(text): an array of doors.Certificate
//	publicKey(text): a doors.PublicKey
//	sign(text, data): a Uint8Array; verify(x, y, data, signature): a boolean
func doorFunctions(d *doors.Doors) map[string]any {
	return map[string]any{
		"connect": promiseFunction(func(arguments []js.Value) any {
			network, address := arguments[0].String(), arguments[1].String()
			return resultOf(d.Connect(network, address, seconds(arguments[2])))
		}),
		"secure": promiseFunction(func(arguments []js.Value) any {
			var trust doors.Trust
			if err := json.Unmarshal([]byte(arguments[1].String()), &trust); err != nil {
				return problemOf(err)
			}
			session, err := d.Secure(arguments[0].Int(), trust, seconds(arguments[2]))
			if err != nil {
				return problemOf(err)
			}
			return asJSON(session)
		}),
		"lookup": promiseFunction(func(arguments []js.Value) any {
			addresses, err := d.Lookup(arguments[0].String())
			if err != nil {
				return problemOf(err)
			}
			values := make([]any, len(addresses))
			for i, address := range addresses {
				values[i] = address
			}
			return values
		}),
		"read": promiseFunction(func(arguments []js.Value) any {
			number, size := arguments[0].Int(), arguments[1].Int()
			bytes, err := d.Read(number, size, seconds(arguments[2]))
			if err != nil {
				return problemOf(err)
			}
			return uint8Array(bytes)
		}),
		"write": promiseFunction(func(arguments []js.Value) any {
			if err := d.Write(arguments[0].Int(), bytesOf(arguments[1])); err != nil {
				return problemOf(err)
			}
			return nil
		}),
		"wait": promiseFunction(func(arguments []js.Value) any {
			return codeOf(d.Wait(arguments[0].Int(), seconds(arguments[1])))
		}),
		"take": function(func(arguments []js.Value) any {
			return uint8Array(d.Take(arguments[0].Int()))
		}),
		"isReadable": function(func(arguments []js.Value) any {
			return d.IsReadable(arguments[0].Int())
		}),
		"poll": function(func(arguments []js.Value) any {
			return codeOf(d.Poll(arguments[0].Int()))
		}),
		"close": function(func(arguments []js.Value) any {
			// The end of TLS is written, and a callback must not wait.
			go d.Close(arguments[0].Int())
			return nil
		}),
		"forget": function(func(arguments []js.Value) any {
			d.Forget(arguments[0].Int())
			return nil
		}),
		"kill": function(func(arguments []js.Value) any {
			d.Kill(arguments[0].Int(), arguments[1].Int())
			return nil
		}),
		"start": function(func(arguments []js.Value) any {
			var command doors.Command
			if err := json.Unmarshal([]byte(arguments[0].String()), &command); err != nil {
				return problemOf(err)
			}
			return asJSON(d.Start(command))
		}),
		"programs": function(func([]js.Value) any {
			return asJSON(d.Programs())
		}),
		"certificates": function(func(arguments []js.Value) any {
			found, err := doors.Certificates(arguments[0].String())
			if err != nil {
				return problemOf(err)
			}
			return asJSON(found)
		}),
		"publicKey": function(func(arguments []js.Value) any {
			key, err := doors.PublicKeyOf(arguments[0].String())
			if err != nil {
				return problemOf(err)
			}
			return asJSON(key)
		}),
		"sign": function(func(arguments []js.Value) any {
			signature, err := doors.Sign(arguments[0].String(), bytesOf(arguments[1]))
			if err != nil {
				return problemOf(err)
			}
			return uint8Array(signature)
		}),
		"verify": function(func(arguments []js.Value) any {
			key := doors.PublicKey{X: arguments[0].String(), Y: arguments[1].String()}
			return doors.Verify(key, bytesOf(arguments[2]), bytesOf(arguments[3]))
		}),
	}
}

// function returns a function that does something at once.
func function(work func(arguments []js.Value) any) js.Func {
	return js.FuncOf(func(_ js.Value, arguments []js.Value) any { return work(arguments) })
}

func bytesOf(array js.Value) []byte {
	bytes := make([]byte, array.Length())
	js.CopyBytesToGo(bytes, array)
	return bytes
}

func seconds(value js.Value) time.Duration {
	return time.Duration(value.Float() * float64(time.Second))
}

func codeOf(code int, hasEnded bool) any {
	if hasEnded {
		return code
	}
	return nil
}

func resultOf(number int, err error) any {
	if err != nil {
		return problemOf(err)
	}
	return number
}

func problemOf(err error) string {
	text, _ := json.Marshal(doors.ProblemOf(err))
	return string(text)
}

// asJSON returns an object of JavaScript's.
func asJSON(value any) js.Value {
	text, err := json.Marshal(value)
	fail(err)
	return js.Global().Get("JSON").Call("parse", string(text))
}
