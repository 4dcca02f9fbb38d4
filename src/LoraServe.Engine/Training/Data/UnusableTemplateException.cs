namespace LoraServe.Engine.Training.Data;

/// <summary>A model whose chat template is missing or broken: whatever a conversation says, it cannot be an example.</summary>
/// <param name="message">What is wrong.</param>
internal sealed class UnusableTemplateException(string message) : Exception(message);
