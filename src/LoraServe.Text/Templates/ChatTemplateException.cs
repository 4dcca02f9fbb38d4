namespace LoraServe.Text.Templates;

/// <summary>
/// A template could not be rendered: it called raise_exception, applied an operation to an unsuitable value, or exceeded a limit. The message
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

    /// <summary>Whether the template called raise_exception; the message is then the template's.</summary>
    public bool IsRaised { get; init; }
}
