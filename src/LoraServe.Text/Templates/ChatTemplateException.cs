namespace LoraServe.Text.Templates;

/// <summary>
/// A template could not be rendered: it raised an exception of its own, met a value it cannot work with, or went beyond a limit. The message
/// is for the client.
/// </summary>
public sealed class ChatTemplateException : Exception
{
    /// <param name="message">What is wrong.</param>
    public ChatTemplateException(string message)
        : base(message)
    {
    }

    /// <param name="message">What is wrong, and where.</param>
    /// <param name="inner">The fault itself.</param>
    public ChatTemplateException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>Whether the template itself said so, by raise_exception; the message is its own.</summary>
    public bool IsRaised { get; init; }
}
