namespace LoraServe.Text.Tokenizers;

/// <summary>A tokenizer.json cannot be used; the message names the file and every field at fault.</summary>
public sealed class InvalidTokenizerException : Exception
{
    public InvalidTokenizerException(string message)
        : base(message)
    {
    }

    public InvalidTokenizerException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
