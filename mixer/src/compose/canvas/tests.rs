//! What is drawn, and what is not drawn again.
