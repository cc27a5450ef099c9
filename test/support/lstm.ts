/** A tiny model of text that only TensorFlow.js trains: windows of six bytes below eight, the next byte at every place. */
export const WINDOW = 6;
export const VOCABULARY = 8;

export const lstmModel = {
  class_name: 'Sequential',
  config: {
    name: 'text',
    layers: [
      {
        class_name: 'Embedding',
        config: {
          name: 'letters',
          input_dim: VOCABULARY,
          output_dim: 4,
          batch_input_shape: [null, WINDOW],
          embeddings_initializer: { class_name: 'RandomUniform', config: { minval: -0.05, maxval: 0.05 } },
        },
      },
      { class_name: 'LSTM', config: { name: 'lstm', units: 6, return_sequences: true, dropout: 0.1 } },
      { class_name: 'Dropout', config: { name: 'dropout', rate: 0.1 } },
      { class_name: 'Dense', config: { name: 'next', units: VOCABULARY, activation: 'softmax' } },
    ],
  },
};

export const adamRecipe = {
  loss: 'sparse_categorical_crossentropy',
  optimizer: { class_name: 'Adam', config: { learning_rate: 0.05 } },
  batchSize: 8,
};
