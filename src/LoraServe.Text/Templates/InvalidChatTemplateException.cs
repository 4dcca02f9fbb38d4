namespace LoraServe.Text.Templates;

/// <summary>A text is not a chat template; the message says where and why.</summary>
public sealed class InvalidChatTemplateException : Exception
{
    /// <param name="line">Where, from 1; 0 for the whole.</param>
    /// <param name="fault">What is wrong.</param>
    public InvalidChatTemplateException(int line, string fault)
        : base(line > 0 ? $"line {line}: {fault}" : fault) => Line = line;

    /// <summary>Where, from 1; 0 for the whole.</summary>
    public int Line { get; }
}
