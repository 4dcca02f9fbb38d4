namespace LoraServe.Engine.Training.Data;

/// <summary>The model's chat template is missing or broken, so no conversation can be an example.</summary>
/// <param name="message">What is wrong.</param>
internal sealed class UnusableTemplateException(string message) : Exception(message);
