//! A WebSocket of the browser.

use leptos::prelude::queue_microtask;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

/// A WebSocket with its listeners; removes them and closes when dropped.
pub struct Socket {
    web: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Opens a socket. `receive` gets each text frame, `close` the code with which the socket was closed.
    pub fn open(
        url: &str,
        receive: impl Fn(&str) + 'static,
        close: impl Fn(u16) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let socket = WebSocket::new(url)?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                receive(&text);
            }
        });
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let (close, code) = (close.clone(), event.code());
            // Deferred: handling it drops this listener.
            queue_microtask(move || close(code));
        });
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { web: socket, _on_message: on_message, _on_close: on_close })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.web.set_onmessage(None);
        self.web.set_onclose(None);
        // Fails only for an invalid code or reason.
        _ = self.web.close();
    }
}
